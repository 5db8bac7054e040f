/**
 * Says whether `dist/` was built from the sources that are here now. By content, not by time: a checkout, a copied
 * clone or a deleted file changes times in ways that tell nothing.
 */
import { createHash } from 'node:crypto'
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'

/** The folders that make the package; the same ones as in tsconfig.build.json. */
const SOURCE_FOLDERS = ['common', 'topics', 'auth', 'store', 'broker', 'bridge', 'push', 'mosquitto-compat', 'server']
const STAMP = '.stamp'

/** Every file that the build reads, relative to `root`, in a stable order. */
export function sourceFiles(root) {
  const here = readdirSync(root).filter((name) => name.endsWith('.ts'))
  const below = SOURCE_FOLDERS.flatMap((folder) => {
    if (!existsSync(join(root, folder))) return []
    return readdirSync(join(root, folder), { recursive: true, encoding: 'utf8' })
      .filter((name) => name.endsWith('.ts') || name.endsWith('.lua'))
      .map((name) => join(folder, name))
  })
  return [...here, ...below].sort()
}

/** What the build depends on, as one hash: sources, compiler settings, dependencies. */
export function sourceStamp(root) {
  const hash = createHash('sha256')
  for (const file of ['package-lock.json', 'tsconfig.json', 'tsconfig.build.json', ...sourceFiles(root)]) {
    hash
      .update(`${file}\0`)
      .update(readFileSync(join(root, file)))
      .update('\0')
  }
  return hash.digest('hex')
}

/** Where a build leaves the stamp of its sources. */
export function stampFile(dist) {
  return join(dist, STAMP)
}

export function isFresh(root, dist) {
  const file = stampFile(dist)
  return existsSync(file) && readFileSync(file, 'utf8') === sourceStamp(root)
}
