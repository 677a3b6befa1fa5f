// The errors that a breaker makes itself, told from those of the action by a mark.
'use strict';

const OURS = Symbol('quoll.our-error');

/** An error with one of the codes ESHUTDOWN, EOPENBREAKER, ETIMEDOUT, ESEMLOCKED. */
function buildError(message, code) {
  const error = new Error(message);
  error.code = code;
  error[OURS] = true;
  return error;
}

const isOurError = (error) => !!error?.[OURS];

// What the system refused to this process. Its upstream has no part in it.
const OUR_LACK = new Set(['EMFILE', 'ENFILE', 'ENOMEM', 'ENOBUFS', 'EADDRNOTAVAIL']);

/** Whether an error of the action tells of a lack of this process and not of the upstream. */
const isOurLack = (error) => OUR_LACK.has(error?.code) || OUR_LACK.has(error?.cause?.code);

module.exports = { buildError, isOurError, isOurLack };
