import { Button, Container } from '@mantine/core';
import { IconCompassOff } from '@tabler/icons-react';
import { Link } from '@tanstack/react-router';
import { useTranslation } from 'react-i18next';
import { EmptyState, ErrorState } from './States';

export function NotFound() {
  const { t } = useTranslation();
  return (
    <Container component="main" size="sm" py={64}>
      <EmptyState
        order={1}
        icon={<IconCompassOff />}
        title={t('notFound.title')}
        text={t('notFound.text')}
        action={
          <Button component={Link} to="/">
            {t('notFound.action')}
          </Button>
        }
      />
    </Container>
  );
}

/** Something in the page itself failed: say so and offer to load it again. */
export function Crash({ error }: { error: unknown }) {
  return (
    <Container component="main" size="sm" py={64}>
      <ErrorState error={error} retry={() => location.reload()} />
    </Container>
  );
}
