// The package: `require('quoll')` is the CircuitBreaker class, as `require('opossum')` is.
'use strict';
const CircuitBreaker = require('./lib/circuit');

module.exports = CircuitBreaker;
