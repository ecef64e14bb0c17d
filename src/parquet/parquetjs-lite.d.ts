/** The part of parquetjs-lite that reads footers. Its package has no types; what it returns is checked before use. */
declare module 'parquetjs-lite' {
  export interface FooterReader {
    readonly metadata: unknown
    close(): Promise<void>
  }
  const parquet: {
    readonly ParquetReader: {
      openFile(path: string, options?: { readonly rawStatistics?: boolean }): Promise<FooterReader>
      openBuffer(buffer: Buffer, options?: { readonly rawStatistics?: boolean }): Promise<FooterReader>
    }
  }
  export default parquet
}
