/** A file system that is soon full. */
import { execFileSync } from 'node:child_process'
import { writeFileSync } from 'node:fs'

/** A file system of 8 MiB; undefined where none can be mounted. */
export function mountSmall(folder: string): string | undefined {
  try {
    execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=8m', 'none', folder], { stdio: 'ignore' })
    return folder
  } catch {
    return undefined
  }
}

export function unmount(folder: string): void {
  execFileSync('umount', ['--lazy', folder])
}

/** Takes what is left of the disk, so that nothing can be written. */
export function fill(path: string): void {
  for (const size of [1 << 20, 1 << 16, 1 << 12]) {
    try {
      for (;;) writeFileSync(path, Buffer.alloc(size), { flag: 'a' })
    } catch {
      // Not even that.
    }
  }
}
