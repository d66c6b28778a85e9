// The language of the page: two dictionaries and Intl.

import { en } from './en'
import { id } from './id'

/** Words is what every dictionary must hold: a missing key is a type error. */
export type Words = {
  [K in keyof typeof en]: (typeof en)[K] extends string ? string : (typeof en)[K]
}

/** Language is a language of the page, by its BCP 47 tag. */
export type Language = 'id' | 'en'

/** languages lists them with their own names. */
export const languages: readonly { tag: Language; name: string }[] = [
  { tag: 'id', name: 'Bahasa Indonesia' },
  { tag: 'en', name: 'English' },
]

const dictionaries: Record<Language, Words> = { id, en }
const locales: Record<Language, string> = { id: 'id-ID', en: 'en-GB' } // both write 24 hours
const stored = 'pantau.language'

/** firstLanguage is what was chosen before, or what the browser asks for first, or English. */
export function firstLanguage(chosen: string | null, wanted: readonly string[]): Language {
  if (chosen === 'id' || chosen === 'en') return chosen
  for (const tag of wanted) {
    const base = tag.toLowerCase().split('-')[0]
    if (base === 'id' || base === 'in') return 'id'
    if (base === 'en') return 'en'
  }
  return 'en'
}

/** Tongue is the chosen language, with its words and its way to write numbers and times. */
export class Tongue {
  language: Language = $state(firstLanguage(remembered(), globalThis.navigator?.languages ?? []))
  words: Words = $derived(dictionaries[this.language])
  #locale = $derived(locales[this.language])
  #integer = $derived(new Intl.NumberFormat(this.#locale))
  #decimal = $derived(new Intl.NumberFormat(this.#locale, { maximumFractionDigits: 1 }))
  #hundredths = $derived(new Intl.NumberFormat(this.#locale, { maximumFractionDigits: 2 }))
  #percent = $derived(new Intl.NumberFormat(this.#locale, { style: 'percent', maximumFractionDigits: 1 }))
  #minute = $derived(new Intl.DateTimeFormat(this.#locale, { timeStyle: 'short' }))
  #date = $derived(new Intl.DateTimeFormat(this.#locale, { dateStyle: 'medium' }))
  #signed = $derived(new Intl.NumberFormat(this.#locale, { style: 'percent', maximumFractionDigits: 1, signDisplay: 'exceptZero' }))
  #clock = $derived(new Intl.DateTimeFormat(this.#locale, { timeStyle: 'medium' }))
  #moment = $derived(new Intl.DateTimeFormat(this.#locale, { dateStyle: 'medium', timeStyle: 'short' }))

  choose(language: Language): void {
    this.language = language
    try {
      localStorage.setItem(stored, language)
    } catch {
      // Without storage the choice lasts as long as the page.
    }
  }

  integer = (n: number): string => this.#integer.format(n)
  decimal = (n: number): string => this.#decimal.format(n)
  hundredths = (n: number): string => this.#hundredths.format(n)
  percent = (n: number): string => this.#percent.format(n)
  signed = (part: number): string => this.#signed.format(part)
  minute = (ms: number): string => (Number.isNaN(ms) ? '' : this.#minute.format(ms))
  date = (ms: number): string => (Number.isNaN(ms) ? '' : this.#date.format(ms))
  clock = (ms: number): string => this.#clock.format(ms)

  /** momentOf is a date with its time, of ms since 1970; empty for what is none. */
  momentOf = (ms: number): string => (Number.isNaN(ms) ? '' : this.#moment.format(ms))

  /** moment is a date with its time; empty for what is none. */
  moment = (text: string): string => {
    return this.momentOf(Date.parse(text))
  }

  /** classOf is the word for a class; classes without one keep their own name. */
  classOf = (cls: string): string => {
    switch (cls) {
      case 'person':
      case 'bicycle':
      case 'motorcycle':
      case 'car':
      case 'bus':
      case 'truck':
        return this.words[cls]
    }
    return cls
  }
}

function remembered(): string | null {
  try {
    return globalThis.localStorage?.getItem(stored) ?? null
  } catch {
    return null
  }
}

/** tongue is the page's one language. */
export const tongue = new Tongue()
