import { Select } from '@mantine/core';
import { useTranslation } from 'react-i18next';

interface Props<T extends string> {
  label: string;
  /** What it shows while nothing is chosen. */
  any: string;
  options: { value: T; label: string }[];
  value: T | undefined;
  onChange: (value: T | undefined) => void;
  width?: number;
  searchable?: boolean;
}

/** Narrows a list to one of some values, or to none of them. */
export function FilterSelect<T extends string>(props: Props<T>) {
  const { t } = useTranslation();
  return (
    <Select
      w={props.width}
      aria-label={props.label}
      placeholder={props.any}
      searchable={props.searchable}
      clearable
      clearButtonProps={{ 'aria-label': t('action.clear') }}
      data={props.options}
      value={props.value ?? null}
      onChange={(value) => props.onChange((value as T | null) ?? undefined)}
    />
  );
}
