import type { NewPartner, Partner, PartnerState, PartnerTerms } from '../api/types';
import type { Tone } from '../ui/Status';

export const partnerTones: Record<PartnerState, Tone> = {
  quarantined: 'bad',
  certificate_changed: 'bad',
  not_allowed: 'quiet',
  failing: 'warn',
  well: 'good',
  untried: 'quiet',
};

const ranks: Record<Tone, number> = { bad: 0, warn: 1, note: 2, good: 2, quiet: 2 };

/** What needs a person comes first, then by name. */
export function byNeed(partners: Partner[]): Partner[] {
  const rank = (partner: Partner) => ranks[partnerTones[partner.state]];
  return [...partners].sort((a, b) => rank(a) - rank(b) || a.server.localeCompare(b.server));
}

export type Pinned = 'none' | 'authority' | 'certificate';

/** What somebody writes down of a partner, with what belongs to the other kinds of pins kept while they choose. */
export interface PartnerForm {
  note: string;
  own: boolean;
  terms: PartnerTerms;
  pinned: Pinned;
  authority: string;
  certificate: string;
}

export function formOf(partner: Partner | undefined, usual: PartnerTerms): PartnerForm {
  return {
    note: partner?.note ?? '',
    own: !!partner?.terms,
    terms: partner?.terms ?? usual,
    pinned: partner?.authority ? 'authority' : partner?.certificate ? 'certificate' : 'none',
    authority: partner?.authority ?? '',
    certificate: partner?.certificate ?? '',
  };
}

export function toSend({ note, own, terms, pinned, authority, certificate }: PartnerForm): NewPartner {
  return {
    note,
    terms: own ? terms : null,
    authority: pinned === 'authority' ? authority : null,
    certificate: pinned === 'certificate' ? certificate : null,
  };
}

/** Groups of four digits, as people compare them. */
export const grouped = (fingerprint: string) => fingerprint.match(/.{1,4}/g)?.join(' ') ?? '';
