import { NumberInput, SimpleGrid } from '@mantine/core';
import { useTranslation } from 'react-i18next';
import type { Bandwidth } from '../api/types';

interface Props {
  value: Bandwidth;
  onChange: (value: Bandwidth) => void;
  hint?: string;
  readOnly?: boolean;
}

/** Limits of media in and out; empty means not limited here. */
export function Limits({ value, onChange, hint, readOnly }: Props) {
  const { t } = useTranslation();
  const one = (field: keyof Bandwidth, label: string) => (
    <NumberInput
      label={label}
      description={hint ?? t('limits.hint')}
      inputWrapperOrder={['label', 'input', 'description', 'error']}
      placeholder={t('value.unlimited')}
      min={32}
      max={10_000_000}
      step={100}
      allowDecimal={false}
      allowNegative={false}
      suffix={` ${t('value.kbpsUnit')}`}
      readOnly={readOnly}
      value={value[field] ?? ''}
      onChange={(next) => onChange({ ...value, [field]: next === '' ? null : Number(next) })}
    />
  );
  return (
    <SimpleGrid cols={{ base: 1, xs: 2 }} spacing="sm">
      {one('in_kbps', t('limits.in'))}
      {one('out_kbps', t('limits.out'))}
    </SimpleGrid>
  );
}
