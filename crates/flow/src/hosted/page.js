(() => {
  const form = document.forms[0];
  const show = (failed) => {
    document.getElementById('wait').hidden = failed;
    document.getElementById('failed').hidden = !failed;
  };
  const script = document.createElement('script');
  const late = setTimeout(show, 15000, true);
  script.onerror = () => show(true);
  script.onload = () => {
    clearTimeout(late);
    try {
      form.meta_info.value = JSON.stringify(getMetaInfo());
      show(false);
      form.submit();
    } catch {
      show(true);
    }
  };
  script.src = form.dataset.script;
  document.head.append(script);
  // A browser that comes back shows the page as it left it.
  addEventListener('pageshow', (event) => event.persisted && location.reload());
})();
