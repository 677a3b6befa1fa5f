// The package: `require('quoll')` is the CircuitBreaker class, as `require('opossum')` is.
'use strict';
const CircuitBreaker = require('./lib/circuit');
const { servePages } = require('./lib/pages');
const { shed } = require('./lib/shed');

module.exports = Object.assign(CircuitBreaker, { CircuitBreaker, servePages, shed });
