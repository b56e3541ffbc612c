/** The steps of each kind of operation. */
import type { OperationKind } from '../../contract/operations.ts'
import { copyStep } from './copy-step.ts'
import { deleteStep } from './delete-step.ts'
import { flagsStep } from './flags-step.ts'
import type { FolderKind } from './folder-kinds.ts'
import type { MailStep } from './mail-step.ts'
import { moveStep } from './move-step.ts'

export const steps: Record<Exclude<OperationKind, FolderKind>, MailStep> = {
  flags: flagsStep,
  move: moveStep,
  copy: copyStep,
  delete: deleteStep,
}
