/** `npm run docs:site`: the documentation as HTML, in site/. */
import { join } from 'node:path'
import { ROOT } from '../test/support/root.ts'
import { buildSite } from './site/build.ts'

const folder = join(ROOT, 'site')
const pages = buildSite(folder)
console.log(`${pages.length} pages in ${folder}`)
