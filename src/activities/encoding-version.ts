/**
 * Version of what ETL3 writes for the same rows. It stands in every fingerprint's run and in every file: raising it
 * rewrites every partition at the next run. Raise it when the bytes of a file or the meaning of a fingerprint change.
 */
export const ENCODING_VERSION = '1'

/** The same of the analytics table's files: raising it writes them again, and leaves the partitions as they are. */
export const ANALYTICS_ENCODING_VERSION = '2'
