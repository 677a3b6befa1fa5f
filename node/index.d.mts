import CircuitBreaker = require('./index.js');

export default CircuitBreaker;
export { CircuitBreaker };
export declare const servePages: typeof CircuitBreaker.servePages;
export declare const shed: typeof CircuitBreaker.shed;
