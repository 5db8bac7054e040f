// Is every file of examples/ in its README with a command, and run by a test?
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { ROOT } from '../support/root.ts'
import { t } from '../support/tap.ts'

const folder = join(ROOT, 'examples')
const readme = readFileSync(join(folder, 'README.md'), 'utf8')
const tests = ['examples', 'plugin'].flatMap((name) =>
  readdirSync(join(ROOT, 'test', name))
    .filter((file) => file.endsWith('.ts'))
    .map((file) => readFileSync(join(ROOT, 'test', name, file), 'utf8')),
)
/** What openapi-typescript writes there, for whoever follows the README. */
const names = readdirSync(folder).filter((name) => name !== 'README.md' && name !== 'push-api.d.ts')
t.ok(names.length >= 12)
for (const name of names) {
  t.match(readme, new RegExp(`^\\| \\[${name}\\]\\(${name}\\) \\|.*examples/${name}`, 'm'), `${name} is listed`)
  t.ok(
    tests.some((text) => text.includes(`'${name}'`) || text.includes(`'${name}/`)),
    `${name} is tried`,
  )
}
