/** What derivations need, drawn. */
import type { Derivation } from '@frazil/wasm/web'
import { element, svg } from './dom'

/** More would not be read. */
const SHOWN = 40

export interface Drawing {
  element: HTMLElement
  note: string
}

/** Draws derivations from those at the roots on, nearest first. */
export async function draw(derivations: Derivation[], roots: string[], onPick: (path: string) => void): Promise<Drawing> {
  const dagre = await import('@dagrejs/dagre')
  const graph = new dagre.graphlib.Graph()
  graph.setGraph({ rankdir: 'LR', nodesep: 10, ranksep: 44, marginx: 12, marginy: 12 })
  graph.setDefaultEdgeLabel(() => ({}))
  // They come in order of their distance.
  const shown = new Map(derivations.slice(0, SHOWN).map((derivation) => [derivation.drvPath, derivation]))
  for (const [path, { name = '' }] of shown) graph.setNode(path, { label: name, width: 18 + 7.3 * Math.min(name.length, 28), height: 26 })
  for (const [path, { inputDrvs = {} }] of shown) {
    for (const input of Object.keys(inputDrvs)) if (shown.has(input)) graph.setEdge(path, input)
  }
  dagre.layout(graph)
  const { width = 0, height = 0 } = graph.graph()
  const picture = svg('svg', {
    viewBox: `0 0 ${width} ${height}`, width, height, role: 'group', 'aria-label': `Dependencies: ${shown.size} derivations`,
  })
  for (const edge of graph.edges()) {
    const { points } = graph.edge(edge)
    const d = points.map(({ x, y }: { x: number; y: number }, i: number) => `${i === 0 ? 'M' : 'L'}${x.toFixed(1)} ${y.toFixed(1)}`).join('')
    picture.append(svg('path', { d, class: 'edge' }))
  }
  for (const path of graph.nodes()) {
    const { x, y, width, height, label = '' } = graph.node(path)
    const text = label.length > 28 ? `${label.slice(0, 27)}…` : label
    const box = svg('g', { class: roots.includes(path) ? 'drv root' : 'drv', tabindex: 0, role: 'button', 'aria-label': label },
      svg('title', {}, path),
      svg('rect', { x: x - width / 2, y: y - height / 2, width, height, rx: 6 }),
      svg('text', { x, y: y + 4.5, 'text-anchor': 'middle' }, text),
    )
    box.addEventListener('click', () => onPick(path))
    box.addEventListener('keydown', (event) => {
      if (event.key === 'Enter' || event.key === ' ') {
        event.preventDefault()
        onPick(path)
      }
    })
    picture.append(box)
  }
  const note = derivations.length > shown.size ? `the nearest ${shown.size} of ${derivations.length} derivations` : `${derivations.length} derivations`
  const frame = element('div', { class: 'graph', tabindex: 0, role: 'region', 'aria-label': 'Dependency graph' }, picture)
  // What it all starts from is to be seen first.
  const start = roots[0] !== undefined && shown.has(roots[0]) ? graph.node(roots[0]).y : 0
  requestAnimationFrame(() => requestAnimationFrame(() => frame.scrollTo(0, start - frame.clientHeight / 2)))
  return { element: frame, note }
}
