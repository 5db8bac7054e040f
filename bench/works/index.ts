/** Everything that is measured, in the order of the report. */
import { broadcast, privatePublish } from './delivery.ts'
import type { Work } from './work.ts'

export type * from './work.ts'

export const WORKS: readonly Work[] = [privatePublish, broadcast]
