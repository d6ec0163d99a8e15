import { Avatar } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import { useEffect, useMemo } from 'react';

const calm = ['indigo', 'teal', 'grape', 'cyan', 'violet', 'blue', 'green', 'orange'];

export function colorOf(name: string): string {
  let sum = 0;
  for (const char of name) sum = (sum * 31 + char.codePointAt(0)!) >>> 0;
  return calm[sum % calm.length]!;
}

export function initialsOf(name: string): string {
  const words = name.split(/[\s._-]+/).filter(Boolean);
  const letters = [words[0], words.length > 1 ? words.at(-1) : undefined];
  return letters.map((word) => (word ? [...word][0]!.toLocaleUpperCase() : '')).join('');
}

interface Props {
  name: string;
  size?: number;
  /** Where the picture comes from, if there is one; the key makes it stale with its owner. */
  picture?: { key: unknown[]; load: (signal: AbortSignal) => Promise<Blob> };
}

/** Somebody's picture or initials; always beside the name, so silent for screen readers. */
export function Face({ name, size = 32, picture }: Props) {
  const query = useQuery({
    queryKey: ['avatar', ...(picture?.key ?? [])],
    queryFn: ({ signal }) => picture!.load(signal),
    enabled: !!picture,
    staleTime: Infinity,
  });
  const url = useMemo(
    () => (picture && query.data ? URL.createObjectURL(query.data) : null),
    [picture, query.data],
  );
  useEffect(() => () => void (url && URL.revokeObjectURL(url)), [url]);
  const color = colorOf(name);
  // Mantine's own letters are under 4.5:1 on the paler of these colours.
  const ink = `light-dark(color-mix(in srgb, var(--mantine-color-${color}-9) 70%, black), var(--mantine-color-${color}-1))`;
  return (
    <Avatar
      src={url}
      size={size}
      radius="xl"
      color={color}
      variant="light"
      alt=""
      aria-hidden
      styles={{ placeholder: { color: ink } }}
    >
      {initialsOf(name)}
    </Avatar>
  );
}
