import { Alert, Button } from '@mantine/core';
import { IconEye, IconLock } from '@tabler/icons-react';
import { Link, Outlet } from '@tanstack/react-router';
import { EmptyState } from '../ui/States';
import { useAdminText } from '../ui/text';
import { useMe } from '../ui/useMe';

/** The control panel: for administrators; those for security read only, and are told so. */
export function AdminLayout() {
  const { t } = useAdminText();
  const { admin, administration } = useMe();
  if (!administration) {
    // Who administers elsewhere is not told that they do not administer at all.
    const why = admin === 'none' ? 'forbidden' : 'elsewhere';
    return (
      <EmptyState
        icon={<IconLock />}
        title={t(`panel.${why}`)}
        text={t(`panel.${why}Text`)}
        action={
          <Button component={Link} to="/home">
            {t('panel.forbiddenAction')}
          </Button>
        }
      />
    );
  }
  return (
    <>
      {admin === 'security' && (
        <Alert variant="light" color="blue" icon={<IconEye />} mb="md" py="xs">
          {t('panel.readOnly')}
        </Alert>
      )}
      <Outlet />
    </>
  );
}
