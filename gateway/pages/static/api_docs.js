// Shows the published document with Swagger UI, which comes as a plain script before this module.

const place = document.getElementById("api-docs");

globalThis.SwaggerUIBundle({
  domNode: place,
  url: place.dataset.document,
  deepLinking: true,
  // To be read: most calls want a ticket, a pass or a proof of a key, which this page has not.
  supportedSubmitMethods: [],
  // Nothing is asked of anybody else.
  validatorUrl: null,
  // The list of all types is long, and each is shown where it is used.
  defaultModelsExpandDepth: -1,
});
