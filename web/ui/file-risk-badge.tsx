/** Marks an attached file that runs when it is opened, and one that pretends not to. */
import { Badge } from './badge.tsx'
import { fileRisk } from './file-risk.ts'

export function FileRiskBadge({ name, type }: { name: string | null; type: string }) {
  const risk = fileRisk(name, type)
  return risk && <Badge tone={risk.tone}>{risk.text}</Badge>
}
