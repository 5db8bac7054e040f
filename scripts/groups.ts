/**
 * Test files that share a process. Loading the modules, and compiling them as they run, costs more than most tests do:
 * files of one folder run one after another in one process, each as a subtest of its own.
 */
import { mkdirSync, rmSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'

const FOLDER = join('.build', 'groups')
const LARGEST = 24
/** What is asked here is about a whole process. */
const ALONE = new Set(['long', 'faults', 'unexpected'])
/** They wait for time-outs more than they work: begun first, they leave the cores to the others, and no long tail. */
const WAITING = new Set(['transfer', 'faults', 'nodes', 'hostile'])

/** @param files below test/, as sources; returns what tap shall run */
export function writeGroups(files: readonly string[]): string[] {
  const folders = new Map<string, string[]>()
  for (const file of files) {
    const folder = dirname(file)
    folders.set(folder, [...(folders.get(folder) ?? []), file])
  }
  const rank = ([folder]: [string, unknown]) => (WAITING.has(topOf(folder)) ? 0 : 1)
  const groups = [...folders]
    .sort((a, b) => rank(a) - rank(b))
    .flatMap(([folder, inside]) => {
      const count = ALONE.has(topOf(folder)) ? inside.length : Math.ceil(inside.length / LARGEST)
      const name = folder.replaceAll('/', '-')
      return Array.from({ length: count }, (_, index) => ({
        name: count === 1 ? name : `${name}-${index + 1}`,
        // Neighbours are often alike: what is long is spread over the groups.
        files: inside.filter((_, at) => at % count === index),
      }))
    })
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

function topOf(folder: string): string {
  return folder.split('/')[0] ?? ''
}
