import { CloseButton, TextInput } from '@mantine/core';
import { useDebouncedCallback } from '@mantine/hooks';
import { IconSearch } from '@tabler/icons-react';
import { useState } from 'react';
import { useTranslation } from 'react-i18next';

interface Props {
  label: string;
  value?: string;
  /** Nothing where it was emptied. */
  onChange: (value: string | undefined) => void;
}

/** Searches as one types, a moment after the last key. */
export function Search({ label, value = '', onChange }: Props) {
  const { t } = useTranslation();
  const [text, setText] = useState(value);
  const [shown, setShown] = useState(value);
  const later = useDebouncedCallback((next: string) => onChange(next || undefined), 200);
  if (value !== shown) {
    // The address changed by other means (back, a link).
    setShown(value);
    if (value !== text.trim()) setText(value);
  }
  const change = (next: string) => {
    setText(next);
    later(next.trim());
  };
  return (
    <TextInput
      type="search"
      role="searchbox"
      aria-label={label}
      placeholder={label}
      leftSection={<IconSearch size={16} aria-hidden />}
      rightSection={
        text && <CloseButton size="sm" aria-label={t('action.clear')} onClick={() => change('')} />
      }
      value={text}
      onChange={(event) => change(event.currentTarget.value)}
      style={{ flex: '1 1 220px', maxWidth: 420 }}
    />
  );
}
