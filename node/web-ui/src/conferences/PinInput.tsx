import { ActionIcon, TextInput, Tooltip, type TextInputProps } from '@mantine/core';
import { IconDice5 } from '@tabler/icons-react';
import { useAdminText } from '../ui/text';
import { randomPin } from './conferenceDraft';

interface Props extends Omit<TextInputProps, 'rightSection'> {
  /** One that nobody guesses. */
  make: (pin: string) => void;
}

/** A PIN to set, typed or made up. */
export function PinInput({ make, ...input }: Props) {
  const { t } = useAdminText();
  return (
    <TextInput
      inputWrapperOrder={['label', 'input', 'description', 'error']}
      inputMode="numeric"
      autoComplete="off"
      maxLength={16}
      rightSection={
        <Tooltip label={t('conferences.pinMake')}>
          <ActionIcon
            variant="subtle"
            color="gray"
            aria-label={t('conferences.pinMake')}
            onClick={() => make(randomPin())}
          >
            <IconDice5 size={18} aria-hidden />
          </ActionIcon>
        </Tooltip>
      }
      {...input}
    />
  );
}
