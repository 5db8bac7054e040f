/** The focus stays where somebody works, also when what has it is busy for a while, or is gone when its work is done. */
import { useEffect } from 'preact/hooks'

export function useKeptFocus(): void {
  useEffect(() => {
    let last: Element | undefined
    const came = ({ target }: Event) => {
      last = target instanceof Element ? target : undefined
    }
    // Whoever uses a mouse has left it.
    const left = () => {
      last = undefined
    }
    const look = () => {
      if (last === undefined || document.activeElement !== document.body) return
      const next = last.isConnected ? last : document.querySelector('main')
      if (next instanceof HTMLElement) next.focus({ preventScroll: true })
    }
    const changes = new MutationObserver(look)
    changes.observe(document.body, { subtree: true, childList: true, attributeFilter: ['disabled'] })
    document.addEventListener('focusin', came)
    document.addEventListener('pointerdown', left)
    return () => {
      changes.disconnect()
      document.removeEventListener('focusin', came)
      document.removeEventListener('pointerdown', left)
    }
  }, [])
}
