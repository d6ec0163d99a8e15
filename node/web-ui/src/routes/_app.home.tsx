import { createFileRoute } from '@tanstack/react-router';
import { HomePage } from '../account/HomePage';

export const Route = createFileRoute('/_app/home')({ component: HomePage });
