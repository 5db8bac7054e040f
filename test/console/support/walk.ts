/** A walk through a page with the Tab key: what it comes to, and whether a person sees where it is. */
import type { Page } from './browser.ts'

export interface Walk {
  /** Names, in the order in which the keyboard came to them, until it left the page. */
  readonly visited: readonly string[]
  /** What can be used and was not come to, was hidden while it had the focus, or had no mark of it. */
  readonly faults: readonly string[]
}

/** Of these, a group of choices is one. */
const TARGETS = 'a[href], button, input, select, textarea, summary, [tabindex="0"]'

const RECORDER = `(() => {
  const name = (each) => (each.labels?.[0]?.innerText || each.innerText || each.getAttribute('aria-label') || each.tagName).trim().split('\\n')[0]
  const shown = (each) => each.checkVisibility({ visibilityProperty: true }) && !each.disabled
  const root = () => document.querySelector('dialog[open]') ?? document
  const walk = { seen: new Set(), visited: [], faults: [] }
  const marked = (each) => [each, each.closest('label'), each.parentElement].some((box) => {
    if (!box) return false
    const { outlineStyle, outlineWidth, boxShadow } = getComputedStyle(box)
    return (outlineStyle !== 'none' && parseFloat(outlineWidth) >= 2) || boxShadow.includes('0px 0px 0px 2px')
  })
  walk.listener = ({ target }) => {
    if (target.matches('main')) return
    if (walk.seen.has(target)) return
    walk.seen.add(target)
    walk.visited.push(name(target))
    if (!marked(target)) walk.faults.push('no mark of the focus: ' + name(target))
    const { x, y, width, height } = (target.closest('label') ?? target).getBoundingClientRect()
    const seen = document.elementFromPoint(x + width / 2, y + height / 2)
    const isSeen = seen && [target, ...(target.labels ?? [])].some((each) => each === seen || each.contains(seen) || seen.contains(each))
    if (!isSeen) walk.faults.push('out of sight: ' + name(target))
  }
  walk.left = () => {
    const groups = new Set([...walk.seen].filter(({ type }) => type === 'radio').map((each) => each.name))
    const missed = [...root().querySelectorAll(${JSON.stringify(TARGETS)})]
      .filter((each) => shown(each) && !walk.seen.has(each) && !(each.type === 'radio' && groups.has(each.name)))
    return missed.map(name)
  }
  window.walk?.stop()
  document.addEventListener('focusin', walk.listener)
  walk.stop = () => document.removeEventListener('focusin', walk.listener)
  window.walk = walk
})()`

/** From the start of the page, or of the dialog that is open. */
export async function walk(page: Page): Promise<Walk> {
  // A focus by a script would be marked as one by the keyboard, where the last thing used was the keyboard.
  await page.read(RECORDER)
  const isDialog = await page.read(`!!document.querySelector('dialog[open]')`)
  if (isDialog !== true) await page.read('document.activeElement?.blur()')
  const most: number = await page.read(`document.querySelectorAll(${JSON.stringify(TARGETS)}).length + 2`)
  for (let tabs = 0; tabs < most; tabs++) await page.press('Tab')
  const left: readonly string[] = await page.read('walk.left()')
  const { visited, faults }: Walk = await page.read('(walk.stop(), { visited: walk.visited, faults: walk.faults })')
  return { visited, faults: [...faults, ...left.map((each) => `the keyboard does not come to: ${each}`)] }
}
