// Is the client, as a page would bundle it, at most 5 KB compressed, and free of everything but what browsers and Node have?
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { gzipSync } from 'node:zlib'
import { rolldown } from 'rolldown'
import { ROOT } from '../support/index.ts'
import { t } from '../support/tap.ts'

const MOST = 5 * 1024
const folder = join(ROOT, 'client')

await t.test('size', async (t) => {
  const bundle = await rolldown({ input: join(folder, 'index.ts'), platform: 'browser' })
  const { output } = await bundle.generate({ format: 'es', minify: true, codeSplitting: false })
  await bundle.close()
  t.same(output[0].imports, [])
  const size = gzipSync(output[0].code, { level: 9 }).length
  t.ok(size <= MOST, `${size} bytes`)
})

await t.test('imports', async (t) => {
  for (const name of readdirSync(folder).filter((each) => each.endsWith('.ts'))) {
    const imports = [...readFileSync(join(folder, name), 'utf8').matchAll(/from '([^']+)'/g)].map(([, from]) => from)
    t.same(
      imports.filter((from) => from?.startsWith('./') !== true),
      [],
      name,
    )
  }
})
