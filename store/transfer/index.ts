/** Moving all that is stored from one engine to another. */
export { exportStore, type ExportOptions } from './export.ts'
export { type Counts, noCounts, TransferError } from './format.ts'
export { splitLines } from './lines.ts'
export { type Imported, type ImportOptions, importStore, nothingImported } from './import.ts'
