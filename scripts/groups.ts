/**
 * Test files that share a process. Loading the modules, and compiling them as they run, costs more than most tests do:
 * files of one folder run one after another in one process, each as a subtest of its own.
 */
import { mkdirSync, rmSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'

const FOLDER = join('.build', 'groups')
const LARGEST = 24
/** Folders with fewer files go together. */
const SMALL = 5
/** A long test has its process to itself. */
const LONG = /^long\b/
/** They wait for time-outs more than they work: begun first, they leave the cores to the others, and no long tail. */
const WAITING = /^(transfer|faults|nodes|hostile|client|examples|cli)\b/

/** @param files below test/, as sources; returns what tap shall run */
export function writeGroups(files: readonly string[]): string[] {
  const folders = new Map<string, string[]>()
  for (const file of files) folders.set(dirname(file), [...(folders.get(dirname(file)) ?? []), file])
  const small: string[] = []
  const groups: { readonly name: string; readonly files: readonly string[] }[] = []
  for (const [folder, inside] of folders) {
    if (inside.length < SMALL && !LONG.test(folder)) {
      small.push(...inside)
      continue
    }
    const count = LONG.test(folder) ? inside.length : Math.ceil(inside.length / LARGEST)
    const name = folder.replaceAll('/', '-')
    for (let index = 0; index < count; index += 1)
      groups.push({
        name: count === 1 ? name : `${name}-${index + 1}`,
        // Neighbours are often alike: what is long is spread over the groups.
        files: inside.filter((_, at) => at % count === index),
      })
  }
  if (small.length > 0) groups.push({ name: 'small', files: small })
  groups.sort((a, b) => Number(WAITING.test(b.name)) - Number(WAITING.test(a.name)))
  rmSync(FOLDER, { recursive: true, force: true })
  mkdirSync(FOLDER, { recursive: true })
  return groups.map((group) => {
    const path = join(FOLDER, `${group.name}.js`)
    const names = JSON.stringify(
      group.files.map((file) => file.replace(/\.ts$/, '.js')),
      null,
      2,
    )
    writeFileSync(
      path,
      `import { runFiles } from '../test/support/tap.js'\nawait runFiles(new URL('../test/', import.meta.url), ${names})\n`,
    )
    return path
  })
}
