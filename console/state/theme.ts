/** Light, dark, or as the system says. The choice is the one thing that the console keeps in the browser. */
import { useEffect, useState } from 'preact/hooks'

const THEMES = ['system', 'light', 'dark'] as const
export type Theme = (typeof THEMES)[number]

const NAME = 'push-console-theme'

function saved(): Theme {
  try {
    const text = localStorage.getItem(NAME)
    return THEMES.find((theme) => theme === text) ?? 'system'
  } catch {
    return 'system'
  }
}

function apply(theme: Theme): void {
  const { dataset } = document.documentElement
  if (theme === 'system') delete dataset['theme']
  else dataset['theme'] = theme
}

export function useTheme(): readonly [Theme, (theme: Theme) => void] {
  const [theme, setTheme] = useState(saved)
  useEffect(() => apply(theme), [theme])
  const choose = (chosen: Theme) => {
    setTheme(chosen)
    try {
      localStorage.setItem(NAME, chosen)
    } catch {
      // It holds until the page is left.
    }
  }
  return [theme, choose]
}

/** Whether it is dark now: charts are drawn, and no style sheet reaches them. */
export function useIsDark(): boolean {
  const [isDark, setIsDark] = useState(looksDark)
  useEffect(() => {
    const changed = () => setIsDark(looksDark())
    const system = matchMedia('(prefers-color-scheme: dark)')
    const chosen = new MutationObserver(changed)
    chosen.observe(document.documentElement, { attributeFilter: ['data-theme'] })
    system.addEventListener('change', changed)
    return () => {
      chosen.disconnect()
      system.removeEventListener('change', changed)
    }
  }, [])
  return isDark
}

function looksDark(): boolean {
  const { theme } = document.documentElement.dataset
  return theme === undefined ? matchMedia('(prefers-color-scheme: dark)').matches : theme === 'dark'
}
