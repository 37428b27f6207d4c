/** A plan of `spillway dlq redrive`, for people. */

import type { RedrivePlan } from '../redrive/plan.ts'
import type { StaysBecause, Target } from '../redrive/target.ts'
import { lettersText as letters } from './dlq-words.ts'
import { printable } from './printable.ts'

export function planLines(plan: RedrivePlan, target: Target, movedTopic: string): string[] {
  return [
    plan.letters === 0 ? `${plan.group}: no letters to redrive` : `${plan.group}: ${letters(plan.letters)} to ${plan.target}`,
    ...(plan.letters > 0 ? targetLines(plan, target) : []),
    ...kindLines(plan),
    ...plan.redrivenBefore
      .filter(({ times }) => times > 0)
      .map(({ times, letters: count }) => `  ${letters(count)}  redriven ${timesText(times)} before`),
    ...plan.stays.map(
      ({ because, letters: count }) =>
        `  ${letters(count)} left where ${count === 1 ? 'it is' : 'they are'}: ${stayWords[because]}`,
    ),
    ...(plan.letters > 0 && plan.lacks !== null
      ? [`  there is no topic ${plan.lacks}, which tells what was moved: --execute creates it`]
      : []),
    ...(plan.unreadableMoves > 0
      ? [`  ${plan.unreadableMoves} records of ${movedTopic} cannot be understood: what they moved would be moved again`]
      : []),
  ]
}

function targetLines({ topics, families }: RedrivePlan, target: Target): string[] {
  const headers = families.map(({ family, letters: count }) => `  ${letters(count)}  with the headers of ${family}`)
  if (target.to === 'retry') return headers
  const source = target.to === 'source'
  return [
    ...headers,
    ...(source ? topics.map(({ topic, letters: count }) => `  ${letters(count)}  to ${printable(topic)}`) : []),
    source
      ? '  published anew, with the id that they have and without a trail: all groups of the topic will see them, not only the one that failed'
      : '  with their trail: all groups of the topic will see them',
  ]
}

function kindLines({ kinds, problems, unknown }: RedrivePlan): string[] {
  return [
    ...kinds.map(({ type, handled, letters: count }) => {
      const fate = type === '' ? 'cannot be decoded now' : handled ? 'decodes, has a handler' : 'decodes, has no handler'
      return `  ${letters(count)}  ${[printable(type), fate].filter(Boolean).join('  ')}`
    }),
    ...problems.map(({ problem, letters: count }) => `  ${letters(count)}  ${printable(problem)}`),
    ...unknown.map(({ problem, letters: count }) => `  ${letters(count)}  may decode or not: ${printable(problem)}`),
  ]
}

function timesText(times: number): string {
  return times === 1 ? 'once' : `${times} times`
}

const stayWords: Readonly<Record<StaysBecause, string>> = {
  'no-trail': 'no failure trail, so nobody knows where they came from',
  oversize: 'too large for the DLQ, or a batch that cannot be read: what they are about lies only at the source',
  'unknown-headers': 'their headers are those of no framework that is known here',
  'no-origin': 'their headers do not say from which topic, partition and offset they came',
  'unfit-origin': 'their headers name a topic that no message is published to',
  'max-redrives': 'redriven as often as --max-redrives allows',
}
