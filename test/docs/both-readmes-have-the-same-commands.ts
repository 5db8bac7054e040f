// Do the English and the Chinese README have the same commands, link to the same pages, and to each other?
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { t } from '../support/tap.ts'
import { ROOT } from '../support/root.ts'

const read = (name: string) => readFileSync(join(ROOT, name), 'utf8')
const english = read('README.md')
const chinese = read('README.zh-CN.md')

const blocksOf = (text: string) => [...text.matchAll(/```sh\n(.*?)```/gs)].map(([, block]) => block)
t.ok(blocksOf(english).length >= 3)
t.same(blocksOf(chinese), blocksOf(english))

const pagesOf = (text: string) =>
  new Set([...text.matchAll(/^\| \[(docs\/[\w-]+\.md|examples)\]/gm)].map(([, page]) => page))
t.ok(pagesOf(english).size > 15)
t.same(pagesOf(chinese), pagesOf(english))

t.match(english, '](README.zh-CN.md)')
t.match(chinese, '](README.md)')
