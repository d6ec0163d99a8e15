import type { Bandwidth } from '../api/types';
import i18n from '../i18n';
import { number } from '../ui/text';

/** Limits in words: "in: 2,000 kbit/s · out: not limited". */
export function showBandwidth(limit: Bandwidth): string {
  const one = (kbps?: number | null) =>
    kbps == null ? i18n.t('value.unlimited') : i18n.t('value.kbps', { value: number(kbps) });
  return i18n.t('value.inOut', { in: one(limit.in_kbps), out: one(limit.out_kbps) });
}
