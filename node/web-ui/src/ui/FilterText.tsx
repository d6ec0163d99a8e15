import { TextInput } from '@mantine/core';
import { useDebouncedCallback } from '@mantine/hooks';
import { useState } from 'react';

interface Props {
  label: string;
  /** What it shows while nothing is said. */
  any: string;
  value: string | undefined;
  onChange: (value: string | undefined) => void;
}

/** Narrows a list to what somebody types, once they pause. */
export function FilterText({ value, ...props }: Props) {
  // Another address says another text.
  return <Field key={value} value={value} {...props} />;
}

function Field({ label, any, value, onChange }: Props) {
  const [text, setText] = useState(value ?? '');
  const later = useDebouncedCallback((next: string) => onChange(next.trim() || undefined), 400);
  return (
    <TextInput
      w={150}
      aria-label={label}
      placeholder={any}
      autoCapitalize="none"
      spellCheck={false}
      value={text}
      onChange={(event) => {
        setText(event.currentTarget.value);
        later(event.currentTarget.value);
      }}
    />
  );
}
