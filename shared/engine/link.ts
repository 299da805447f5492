/**
 * Finds what flags and segments refer to one another in circles, or in chains too long to follow. Every cycle is an
 * error of those on it alone: whoever refers to them meets an error. The walk is Tarjan's (Depth-first search and
 * linear graph algorithms, 1972) with its own stack, because a chain may be longer than the machine's.
 */

/** At most so many references one below the other. */
export const referenceDepthMax = 20

export type LinkProblem = 'cycle' | 'depth'

export interface Graph<Node> {
  /** What a node refers to. Asked once of each node. */
  readonly referencesOf: (node: Node) => readonly Node[]
  /** The height of a node that was settled before; null of one that was not. */
  readonly heightOf: (node: Node) => number | null
  /** Takes the verdict on a node: a node with a problem refers to nothing any more, and its height is 1. */
  readonly settle: (node: Node, height: number, problem: LinkProblem | null) => void
}

interface Visit<Node> {
  readonly node: Node
  readonly references: readonly Node[]
  readonly index: number
  /** Its place among the open visits. */
  readonly openAt: number
  next: number
  low: number
  height: number
  refersToItself: boolean
  isOpen: boolean
}

interface Walk<Node> {
  readonly visits: Map<Node, Visit<Node>>
  /** Begun and not settled yet, in the order of their beginning. */
  readonly open: Visit<Node>[]
}

/** Settles a node and all that it reaches. */
export function link<Node>(root: Node, graph: Graph<Node>): void {
  const walk: Walk<Node> = { visits: new Map(), open: [] }
  const { visits, open } = walk
  const stack = [begin(root, graph, walk)]
  for (let visit = stack.at(-1); visit; visit = stack.at(-1)) {
    const reference = visit.references[visit.next++]
    if (reference === undefined) {
      stack.pop()
      const parent = stack.at(-1)
      if (visit.low === visit.index) close(visit, open, graph)
      if (parent) parent.low = Math.min(parent.low, visit.low)
      if (parent && !visit.isOpen) raise(parent, graph.heightOf(visit.node))
      continue
    }
    const known = visits.get(reference)
    if (known?.isOpen) {
      visit.low = Math.min(visit.low, known.index)
      if (known === visit) visit.refersToItself = true
    } else if (graph.heightOf(reference) === null) stack.push(begin(reference, graph, walk))
    else raise(visit, graph.heightOf(reference))
  }
}

function begin<Node>(node: Node, graph: Graph<Node>, { visits, open }: Walk<Node>): Visit<Node> {
  const references = graph.referencesOf(node)
  const index = visits.size
  const visit = {
    node,
    references,
    index,
    openAt: open.length,
    next: 0,
    low: index,
    height: 1,
    refersToItself: false,
    isOpen: true,
  }
  visits.set(node, visit)
  open.push(visit)
  return visit
}

/** A visit that reached nothing older closes all that is younger: more than one, or one that names itself, is a cycle. */
function close<Node>(visit: Visit<Node>, open: Visit<Node>[], graph: Graph<Node>): void {
  const circle = open.splice(visit.openAt)
  const isCycle = circle.length > 1 || visit.refersToItself
  for (const { node, height } of circle) {
    if (isCycle) graph.settle(node, 1, 'cycle')
    else if (height > referenceDepthMax) graph.settle(node, 1, 'depth')
    else graph.settle(node, height, null)
  }
  for (const member of circle) member.isOpen = false
}

function raise<Node>(visit: Visit<Node>, below: number | null): void {
  visit.height = Math.max(visit.height, (below ?? 0) + 1)
}
