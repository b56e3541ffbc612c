/** The tables of blobs, as Kysely sees them. */

declare module '../platform/database/tables.ts' {
  interface Tables {
    blobs: BlobRow
    blob_chunks: BlobChunkRow
    blob_uses: BlobUseRow
  }
}

export interface BlobRow {
  id: string
  account_id: string
  /** Null while it is being written, or if that was interrupted. */
  size_bytes: number | null
  /** SHA-256 in hex; null like the size. */
  sha256: string | null
  created_at: string
}

interface BlobChunkRow {
  blob_id: string
  position: number
  bytes: Uint8Array
}

interface BlobUseRow {
  blob_id: string
  /** The user of the blob: `draft:d5k…`, `submission:s01…`. */
  owner: string
}
