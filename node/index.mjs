import CircuitBreaker from './index.js';

export const { servePages, shed } = CircuitBreaker;
export { CircuitBreaker };
export default CircuitBreaker;
