// Does docs/api.md name every export and option, and show its recipes as they stand in examples/?
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { t } from '../support/tap.ts'
import { createPush } from '../../index.ts'
import { ROOT } from '../support/root.ts'

const read = (...path: string[]) => readFileSync(join(ROOT, ...path), 'utf8')
const page = read('docs', 'api.md')

await t.test('exports', async (t) => {
  const lists = [...read('index.ts').matchAll(/\{([^}]+)\}/g)].flatMap(([, list = '']) => list.split(','))
  const names = lists.map((name) => name.replace('type', '').trim()).filter((name) => name !== '')
  t.ok(names.length > 25)
  for (const name of names) t.match(page, new RegExp(`\`${name}\\b`), name)
})

await t.test('options', async (t) => {
  const error = await createPush({ nothing: 1 } as never).then(
    () => '',
    (reason: unknown) => String(reason),
  )
  const names = /allowed are (.*)$/.exec(error)?.[1]?.split(', ') ?? []
  t.ok(names.length > 14)
  const [, section = ''] = page.split('## `createPush(options)`')
  for (const name of names)
    t.match(section.slice(0, section.indexOf('\n## ')), new RegExp(`^\\| .*\`${name}\`.* \\|`, 'm'))
})

await t.test('recipes', async (t) => {
  const recipes = [...page.matchAll(/\(\.\.\/examples\/([\w-]+\.mjs)\)\n\n```js\n(.*?)```/gs)]
  t.equal(recipes.length, page.split('```js').length - 1)
  for (const [, name = '', code = ''] of recipes) t.ok(read('examples', name).includes(code), name)
})
