import { html } from 'ghtml'
import type { Language } from '../../src/index.ts'
import type { ShownPerformance } from './catalogue.ts'

interface ShownSponsor {
  id: string
  name: string
  website: string | null
  picture: string | null
  pictureAlt: string | null
  pictureWidth: number | null
  pictureHeight: number | null
}

const WORDS = {
  de: { empty: 'Das Programm kommt bald.', sponsors: 'Mit Unterstützung von', days: 'Tage' },
  en: { empty: 'The line-up is coming soon.', sponsors: 'Supported by', days: 'Days' },
} as const

/** The line-up of one festival: a section for each day, in it a column for each stage. */
export function lineupPage(
  language: Language,
  name: string,
  performances: readonly ShownPerformance[],
  sponsors: readonly ShownSponsor[],
): string {
  const words = WORDS[language]
  const days = groupBy(performances, (one) => dayOf(one, language))
  const places = [...new Set(performances.map(({ venue, city }) => (city ? `${venue}, ${city}` : venue)))]
  return html`<!doctype html>
<html lang="${language}">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>${name}</title>
<link rel="icon" href="data:,">
<link rel="stylesheet" href="/festival.css">
</head>
<body>
<header>
<h1>${name}</h1>
<p>${places.join(' · ')}</p>
!${
    days.size > 1
      ? html`<nav aria-label="${words.days}">!${[...days.keys()]
          .map((day, i) => html`<a href="#day-${i}">${day}</a>`)
          .join('')}</nav>`
      : ''
  }
</header>
<main>
!${days.size === 0 ? html`<p class="empty">${words.empty}</p>` : ''}
!${[...days].map(([day, sets], i) => daySection(day, i, sets, language)).join('')}
</main>
!${sponsors.length > 0 ? sponsorSection(words.sponsors, sponsors) : ''}
</body>
</html>`
}

function daySection(
  day: string,
  index: number,
  sets: readonly ShownPerformance[],
  language: Language,
): string {
  const stages = groupBy(sets, ({ stage }) => stage)
  const columns = [...stages]
    .sort(([a], [b]) => a.localeCompare(b, language))
    .map(
      ([stage, onStage]) => html`<section class="stage">
<h3>${stage}</h3>
<ol>!${onStage.map((set) => setItem(set, language)).join('')}</ol>
</section>`,
    )
  return html`<section class="day" id="day-${index}" aria-labelledby="title-${index}">
<h2 id="title-${index}">${day}</h2>
<div class="stages">!${columns.join('')}</div>
</section>`
}

function setItem(set: ShownPerformance, language: Language): string {
  const time = (at: Date) =>
    new Intl.DateTimeFormat(language, {
      hour: '2-digit',
      minute: '2-digit',
      hourCycle: 'h23',
      timeZone: set.timeZone,
    }).format(at)
  return html`<li>
<time datetime="${set.startsAt.toISOString()}">${time(set.startsAt)}–${time(set.endsAt)}</time>
<strong>${set.artist}</strong>
!${set.title ? html`<span class="title">${set.title}</span>` : ''}
<span class="about">${[set.country, ...set.genres].filter(Boolean).join(' · ')}</span>
</li>`
}

function sponsorSection(title: string, sponsors: readonly ShownSponsor[]): string {
  const item = (sponsor: ShownSponsor) => {
    const { id, name, website, picture, pictureAlt } = sponsor
    const shown = picture
      ? html`<img src="/api/v1/sponsors/${id}/picture" alt="${pictureAlt ?? name}" height="${PICTURE_HEIGHT}"!${widthOf(sponsor)}>`
      : html`<span>${name}</span>`
    return html`<li>!${website ? html`<a href="${website}" rel="noopener">!${shown}</a>` : shown}</li>`
  }
  return html`<footer><h2>${title}</h2><ul>!${sponsors.map(item).join('')}</ul></footer>`
}

/** Pixels. */
const PICTURE_HEIGHT = 48

/** Keeps room for the picture before it is there. */
function widthOf({ pictureWidth, pictureHeight }: ShownSponsor): string {
  if (!pictureWidth || !pictureHeight) return ''
  return html` width="${Math.round((PICTURE_HEIGHT * pictureWidth) / pictureHeight)}"`
}

/** The festival's day of a performance: what begins before six in the morning still belongs to the night before. */
function dayOf({ startsAt, timeZone }: ShownPerformance, language: Language): string {
  const shifted = new Date(startsAt.getTime() - 6 * 3_600_000)
  return new Intl.DateTimeFormat(language, {
    weekday: 'long',
    day: 'numeric',
    month: 'long',
    timeZone,
  }).format(shifted)
}

function groupBy<T>(items: readonly T[], key: (item: T) => string): Map<string, T[]> {
  const groups = new Map<string, T[]>()
  for (const item of items) groups.set(key(item), [...(groups.get(key(item)) ?? []), item])
  return groups
}
