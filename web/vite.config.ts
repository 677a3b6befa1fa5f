// The page's files have fixed names: the binary serves them by name (proxy/admin/src/pages.cc), and sends no-store.
import { defineConfig } from 'vite';

const admin = process.env['QUOLL_ADMIN'] ?? 'http://127.0.0.1:3900';

export default defineConfig({
  base: '/dashboard/',
  build: {
    target: 'es2022',
    modulePreload: { polyfill: false },
    cssCodeSplit: false,
    assetsInlineLimit: 0,
    rollupOptions: {
      output: {
        entryFileNames: 'app.js',
        assetFileNames: 'app[extname]',
        inlineDynamicImports: true,
      },
    },
  },
  // `npm run dev`: the page from here, its data from a proxy that runs.
  server: { proxy: { '/events': admin, '/circuits': admin, '/pressure': admin } },
});
