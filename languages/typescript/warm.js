/* The template of JavaScript is TypeScript's as well: it differs in how it is started, and in what Node loads before the program (run.cjs). */
'use strict';
delete require.cache[__filename];
require('../javascript/warm.js');
