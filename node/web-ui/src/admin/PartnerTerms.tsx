import { NumberInput, SimpleGrid, Stack, Switch } from '@mantine/core';
import type { PartnerTerms } from '../api/types';
import { useAdminText } from '../ui/text';

const SWITCHES = ['calls', 'conferences', 'chat', 'content', 'recording'] as const;

interface Props {
  value: PartnerTerms;
  set: <K extends keyof PartnerTerms>(field: K, value: PartnerTerms[K]) => void;
  readOnly: boolean;
  /** What the server says is wrong, by field. */
  errors?: Partial<Record<keyof PartnerTerms, string>>;
}

/** What may be done with another server. */
export function TermsFields({ value, set, readOnly, errors = {} }: Props) {
  const { t } = useAdminText();
  return (
    <Stack gap="md">
      <SimpleGrid cols={{ base: 1, xs: 2 }} spacing="sm">
        {SWITCHES.map((field) => (
          <Switch
            key={field}
            label={t(`setting.partner_terms.${field}`)}
            description={t(`setting.partner_terms.${field}.hint`)}
            disabled={readOnly}
            checked={value[field]}
            onChange={(event) => set(field, event.currentTarget.checked)}
          />
        ))}
      </SimpleGrid>
      <SimpleGrid cols={{ base: 1, xs: 2 }} spacing="sm">
        <Most
          label={t('setting.partner_terms.bandwidth_kbps')}
          hint={t('setting.partner_terms.bandwidth_kbps.hint')}
          unit={t('common:value.kbpsUnit')}
          range={[64, 100_000_000]}
          readOnly={readOnly}
          error={errors.bandwidth_kbps}
          value={value.bandwidth_kbps}
          set={(next) => set('bandwidth_kbps', next)}
        />
        <Most
          label={t('setting.partner_terms.participants')}
          hint={t('setting.partner_terms.participants.hint')}
          range={[1, 1_000_000]}
          readOnly={readOnly}
          error={errors.participants}
          value={value.participants}
          set={(next) => set('participants', next)}
        />
      </SimpleGrid>
    </Stack>
  );
}

/** A limit; empty means that there is none, or what `empty` says. */
export function Most(props: {
  label: string;
  hint: string;
  unit?: string;
  range: [number, number];
  readOnly: boolean;
  error?: string;
  value: number | null;
  set: (value: number | null) => void;
  empty?: string;
}) {
  const { t } = useAdminText();
  const [min, max] = props.range;
  return (
    <NumberInput
      label={props.label}
      description={props.hint}
      inputWrapperOrder={['label', 'input', 'description', 'error']}
      placeholder={props.empty ?? t('common:value.unlimited')}
      min={min}
      max={max}
      allowDecimal={false}
      allowNegative={false}
      suffix={props.unit && ` ${props.unit}`}
      readOnly={props.readOnly}
      error={props.error}
      value={props.value ?? ''}
      onChange={(next) => props.set(next === '' ? null : Number(next))}
    />
  );
}
