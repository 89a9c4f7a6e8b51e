// The API's description, shown by Swagger UI, which can also try it out on this server.
import SwaggerUI from 'swagger-ui-dist/swagger-ui-es-bundle.js';
import 'swagger-ui-dist/swagger-ui.css';

const theme = document.documentElement.dataset['theme'];
const isDark = theme === 'dark' || (theme !== 'light' && matchMedia('(prefers-color-scheme: dark)').matches);

document.documentElement.classList.toggle('dark-mode', isDark); // Swagger UI's own name for it
SwaggerUI({ url: '/openapi.json', dom_id: '#docs', deepLinking: true, defaultModelsExpandDepth: 0 });
