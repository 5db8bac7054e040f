/** Moving all that is stored from one engine to another. */
export { exportStore, type ExportOptions } from './export.ts'
export { TransferError } from './fields.ts'
export { type Counts, noCounts } from './format.ts'
export { splitLines } from './lines.ts'
export { type Imported, nothingImported } from './imported.ts'
export { type ImportOptions, importStore } from './import.ts'
export { Queues } from './queues.ts'
