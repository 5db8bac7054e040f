export function sourceFiles(root: string): string[]
export function sourceStamp(root: string): string
export function stampFile(dist: string): string
export function isFresh(root: string, dist: string): boolean
