/**
 * Loaded into every Node of a guest (NODE_OPTIONS): V8 interprets and compiles nothing. What it compiles, an emulated CPU has
 * to translate once more, which takes longer than a short program runs.
 */
const { setFlagsFromString } = require('node:v8');

setFlagsFromString('--no-opt');
setFlagsFromString('--no-sparkplug');
