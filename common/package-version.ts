import { existsSync, readFileSync } from 'node:fs'

/** From the package.json beside the sources, or above what is built of them. */
export function packageVersion(): string {
  const [path] = ['../package.json', '../../package.json']
    .map((name) => new URL(name, import.meta.url))
    .filter((url) => existsSync(url))
  if (path === undefined) throw new Error('package.json is missing')
  const { version } = JSON.parse(readFileSync(path, 'utf8')) as { version: string }
  return version
}
