/** Numbers of parquet.thrift that the encoder writes, by the names they have there. */

/** Physical types. */
export const TYPE = { BOOLEAN: 0, INT32: 1, DOUBLE: 5, BYTE_ARRAY: 6 } as const

/** Logical types as older readers know them. */
export const CONVERTED_TYPE = { UTF8: 0, LIST: 3, DATE: 6 } as const

/** Members of the union `LogicalType`. */
export const LOGICAL_TYPE = { STRING: 1, LIST: 3, DATE: 6 } as const

/** Whether a field may be absent or occur many times. */
export const REPETITION = { OPTIONAL: 1, REPEATED: 2 } as const

/** Encodings of values and levels. */
export const ENCODING = { PLAIN: 0, RLE: 3, RLE_DICTIONARY: 8 } as const

/** Compression of a column chunk's pages. */
export const CODEC = { UNCOMPRESSED: 0, SNAPPY: 1 } as const

/** One of {@link CODEC}. */
export type Codec = (typeof CODEC)[keyof typeof CODEC]

/** Kinds of pages. */
export const PAGE = { DATA: 0, DICTIONARY: 2 } as const

/** The four bytes at both ends of a file. */
export const MAGIC: Uint8Array = new TextEncoder().encode('PAR1')
