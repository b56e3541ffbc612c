/** How MCP names an attachment as a resource: `mail://{account}/attachments/{message}/{id}`. */

export interface AttachmentName {
  accountId: string
  /** The message as REST accepts it: an id, or a reference. */
  ref: string
  id: string
}

export function attachmentUri({ accountId, ref, id }: AttachmentName): string {
  return `mail://${accountId}/attachments/${ref}/${encodeURIComponent(id)}`
}
