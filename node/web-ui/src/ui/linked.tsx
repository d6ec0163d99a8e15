import { Anchor } from '@mantine/core';

/** Addresses in a plain text can be clicked. */
export function linked(text: string) {
  return text.split(/(https?:\/\/[^\s<>"]+|[\w.+-]+@[\w-]+(?:\.[\w-]+)+)/).map((part, place) =>
    place % 2 === 0 ? (
      part
    ) : (
      <Anchor
        key={place}
        inherit
        underline="always"
        href={part.includes('://') ? part : `mailto:${part}`}
        target={part.includes('://') ? '_blank' : undefined}
        rel="noreferrer"
      >
        {part}
      </Anchor>
    ),
  );
}
