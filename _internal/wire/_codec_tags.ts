// Copyright 2026 the @concurrent/parallel authors. MIT license.

// The first byte of every encoded value. Small integers and short ASCII
// strings, the bulk of real messages, are one byte plus their content:
//
//   0x00-0x3f  the tags below
//   0x40-0x5f  an ASCII string of `tag - 0x40` characters
//   0x80-0xff  the integer `tag - 0x80`
//
// Every object gets the next index when its encoder calls `register()`; the
// decoder registers at the same step, so that `TAG_REF` needs no table in the
// message. `TAG_LATER` announces a container whose content follows after the
// root: it keeps the recursion shallow however deep the graph is.

export const TAG_UNDEFINED = 0x00;
export const TAG_NULL = 0x01;
export const TAG_TRUE = 0x02;
export const TAG_FALSE = 0x03;
export const TAG_INT32 = 0x04;
export const TAG_FLOAT64 = 0x05;
export const TAG_STRING = 0x06;
export const TAG_BIGINT = 0x07;
export const TAG_SYMBOL_FOR = 0x08;
export const TAG_SYMBOL_KNOWN = 0x09;
/** index */
export const TAG_REF = 0x0a;
/** One missing element of an array. */
export const TAG_HOLE = 0x0b;
/** The rest of an array with long gaps: count, then (index, value) pairs. */
export const TAG_SPARSE = 0x0c;
/** flags, count, keys, values; the keys become the next shape */
export const TAG_OBJECT = 0x0d;
/** shape index, values */
export const TAG_SHAPED = 0x0e;
/** length, elements */
export const TAG_ARRAY = 0x0f;
/** length, 4 bytes each */
export const TAG_INT32_ARRAY = 0x10;
/** length, 8 bytes each */
export const TAG_FLOAT64_ARRAY = 0x11;
export const TAG_MAP = 0x12;
export const TAG_SET = 0x13;
export const TAG_DATE = 0x14;
export const TAG_REGEXP = 0x15;
export const TAG_ARRAY_BUFFER = 0x16;
export const TAG_RESIZABLE_BUFFER = 0x17;
/** kind, the bytes that the view shows */
export const TAG_VIEW_PART = 0x18;
/** kind, the buffer as a value, offset, length */
export const TAG_VIEW = 0x19;
export const TAG_URL = 0x1a;
export const TAG_URL_SEARCH_PARAMS = 0x1b;
export const TAG_HEADERS = 0x1c;
export const TAG_BOXED = 0x1d;
export const TAG_TEMPORAL = 0x1e;
export const TAG_ERROR = 0x1f;
export const TAG_ATTACHMENT = 0x20;
export const TAG_GLOBAL = 0x21;
export const TAG_FUNCTION_REFERENCE = 0x22;
export const TAG_FUNCTION_VALUE = 0x23;
export const TAG_CELL = 0x24;
export const TAG_INSTANCE = 0x25;
/** A plain object that inherits from another object without a class. */
export const TAG_DERIVED = 0x26;
export const TAG_SHAREABLE = 0x27;
/** kind of container; its content follows after the root */
export const TAG_LATER = 0x28;
/** token: what the receiver itself has sent under that token */
export const TAG_HOME = 0x29;
/** home of the class, then as TAG_ERROR */
export const TAG_OWN_ERROR = 0x2a;
/** its number among the signals of the call */
export const TAG_SIGNAL = 0x2b;
/** token, whether it has a home; url, name */
export const TAG_STORAGE = 0x2c;
/** token, function; properties: its options, and others that were set on it */
export const TAG_TASK = 0x2d;

export const SHORT_STRING = 0x40;
export const SHORT_STRING_LIMIT = 0x20;
export const SMALL_INT = 0x80;

/** Levels of nesting that are written in place before `TAG_LATER` is used. */
export const DEPTH_LIMIT = 400;
/** Levels that types without `TAG_LATER` (errors, derived objects) may add. */
export const EXTRA_DEPTH = 50;
/** Shapes that one message keeps; both sides count alike. */
export const SHAPE_LIMIT = 64;

/** How a class without a name of ours is built: what its instances are inside. */
export const BASE_OBJECT = 0;
export const BASE_ARRAY = 1;
export const BASE_MAP = 2;
export const BASE_SET = 3;
export const BASE_ERROR = 4;

/** The kinds of container after `TAG_LATER`. */
export const LATER_OBJECT = 0;
export const LATER_NULL_OBJECT = 1;
export const LATER_ARRAY = 2;
export const LATER_MAP = 3;
export const LATER_SET = 4;

/** Shorter arrays of numbers are not worth a scan. */
export const PACKED_MINIMUM = 4;
